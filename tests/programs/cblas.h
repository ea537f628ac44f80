/* The two functions of CBLAS that exported C calls, for the tests. */
enum CBLAS_ORDER { CblasRowMajor = 101 };
enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112 };

void cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE of_a, enum CBLAS_TRANSPOSE of_b,
                 int rows, int columns, int inner, float alpha, const float *a, int a_row,
                 const float *b, int b_row, float beta, float *c, int c_row);
void cblas_dgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE of_a, enum CBLAS_TRANSPOSE of_b,
                 int rows, int columns, int inner, double alpha, const double *a, int a_row,
                 const double *b, int b_row, double beta, double *c, int c_row);
