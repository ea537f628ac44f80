#include "cblas.h"

/* How often one of them was called. */
long cblas_calls = 0;

#define GEMM_OF(name, real)                                                                       \
    void name(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE of_a, enum CBLAS_TRANSPOSE of_b,       \
              int rows, int columns, int inner, real alpha, const real *a, int a_row,             \
              const real *b, int b_row, real beta, real *c, int c_row)                            \
    {                                                                                             \
        cblas_calls += order == CblasRowMajor && of_b == CblasNoTrans;                            \
        for (int i = 0; i < rows; i++)                                                            \
            for (int j = 0; j < columns; j++) {                                                   \
                real sum = 0;                                                                     \
                for (int k = 0; k < inner; k++)                                                   \
                    sum += (of_a == CblasTrans ? a[k * a_row + i] : a[i * a_row + k])             \
                           * b[k * b_row + j];                                                    \
                c[i * c_row + j] = alpha * sum + beta * c[i * c_row + j];                         \
            }                                                                                     \
    }

GEMM_OF(cblas_sgemm, float)
GEMM_OF(cblas_dgemm, double)
