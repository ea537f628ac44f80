/* Trains an LSTM to say which letter comes next, by gradient descent, with nothing but lstm.a. */
#include "lstm.h"
#include <stdio.h>
#include <stdlib.h>
enum { N = 16, M = 8, K = 4, T = 50, SIZE = 4 * (N * M + N * N + N) + K * N + K };

int main(void)
{
    static lstm_real weights[SIZE], slopes[SIZE], x[T * M], d[T * K], states[2 * N];
    lstm_arrays given = {.x = x, .d = d};
    lstm_gradients found = {.h_0 = states, .c_0 = states + N};
    const lstm_real **w[] = {&given.W_i, &given.W_f, &given.W_g, &given.W_o, &given.U_i, &given.U_f,
        &given.U_g, &given.U_o, &given.b_i, &given.b_f, &given.b_g, &given.b_o, &given.W_y, &given.b_y};
    lstm_real **g[] = {&found.W_i, &found.W_f, &found.W_g, &found.W_o, &found.U_i, &found.U_f,
        &found.U_g, &found.U_o, &found.b_i, &found.b_f, &found.b_g, &found.b_o, &found.W_y, &found.b_y};
    for (int i = 0, at = 0; i < 14; at += i < 4 ? N * M : i < 8 ? N * N : i < 12 ? N : K * N, i++)
        *w[i] = weights + at, *g[i] = slopes + at;
    for (int i = 0; i < SIZE; i++) weights[i] = (lstm_real)rand() / RAND_MAX / 2 - (lstm_real)0.25;
    for (int t = 0; t < T; t++)  /* the letters are abcbabcb… */
        x[t * M + (t % 4 == 3 ? 1 : t % 4)] = d[t * K + (t % 4 == 2 ? 1 : (t + 1) % 4)] = 1;
    const lstm_sizes sizes = {.T = T, .B = 1, .n = N, .m = M, .k = K};
    lstm_real *work = malloc(lstm_workspace(&sizes) * sizeof *work);
    for (int round = 0; round <= 200; round++) {
        const lstm_real loss = lstm_loss_and_gradients(&sizes, &given, &found, work);
        for (int i = 0; i < SIZE; i++) weights[i] -= (lstm_real)0.01 * slopes[i];
        if (round % 100 == 0) printf("%d %.4f\n", round, (double)loss);
    }
    free(work);
    return 0;
}
