/* Activations in double precision, for the program that checks layers in plain C. Nothing here is shared with kernels, and nothing needs
 * libm: the sums that are checked are integers, so plain series are exact enough.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each function is `reference_` and the activation's name, with the operand and the parameters in the order of the kernels' functions.
 */
#ifndef VOXELSMITH_REFERENCE_H
#define VOXELSMITH_REFERENCE_H

static inline double reference_magnitude(double x) { return x < 0 ? -x : x; }

/* e^x - 1 by the Taylor series, for |x| <= 1/4. */
static inline double reference_series(double x) {
    double sum = 0, term = 1;
    for (int n = 1; n < 20; ++n) sum += term *= x / n;
    return sum;
}

/* e^x: that of x / 2^n, squared n times. */
static inline double reference_exponential(double x) {
    if (x > 700) return 1e304; /* more than any float, and no infinity */
    if (x < -700) return 0;
    int halvings = 0;
    for (; reference_magnitude(x) > 0.25; x /= 2) ++halvings;
    double power = 1 + reference_series(x);
    for (; halvings > 0; --halvings) power *= power;
    return power;
}

static inline double reference_expm1(double x) { return reference_magnitude(x) <= 0.25 ? reference_series(x) : reference_exponential(x) - 1; }

/* log(1 + t) for 0 <= t <= 1: the series of the inverse hyperbolic tangent of t / (2 + t). */
static inline double reference_log1p(double t) {
    const double z = t / (2 + t);
    double sum = 0, power = z;
    for (int n = 1; n < 60; n += 2, power *= z * z) sum += power / n;
    return 2 * sum;
}

/* Newton's method, from above. */
static inline double reference_root(double x) {
    double root = x > 1 ? x : 1;
    for (int n = 0; n < 1100 && root * root > x; ++n) {
        const double next = (root + x / root) / 2;
        if (next >= root) break;
        root = next;
    }
    return root;
}

static inline double reference_tanh(double x) {
    const double t = reference_expm1(-2 * reference_magnitude(x)), magnitude = -t / (2 + t);
    return x < 0 ? -magnitude : magnitude;
}

/* e^(-x^2) times a series whose terms are all positive, so that none cancel; beyond 6, 1 - erf is below 2^-53. */
static inline double reference_erf(double x) {
    const double a = reference_magnitude(x), root_of_pi = 1.7724538509055160273;
    double sum = a, term = a;
    for (int n = 1; n < 200; ++n) sum += term *= 2 * a * a / (2 * n + 1);
    const double magnitude = a > 6 ? 1 : 2 / root_of_pi * reference_exponential(-a * a) * sum;
    return x < 0 ? -magnitude : magnitude;
}

static inline double reference_relu(double x) { return x > 0 ? x : 0; }
static inline double reference_leaky_relu(double x, double slope) { return x >= 0 ? x : slope * x; }
static inline double reference_softsign(double x) { return x / (1 + reference_magnitude(x)); }
static inline double reference_clip(double x, double low, double high) { return x < low ? low : x > high ? high : x; }
static inline double reference_hard_sigmoid(double x, double slope) { return reference_clip(slope * x + 0.5, 0, 1); }
static inline double reference_rectified(double x, double slope, double threshold, double low, double high) {
    return x > threshold ? reference_clip(x, low, high) : slope * (x - threshold);
}
static inline double reference_hard_silu(double x) { return x * reference_clip(x + 3, 0, 6) / 6; }
static inline double reference_hard_tanh(double x) { return reference_clip(x, -1, 1); }
static inline double reference_hard_shrink(double x, double threshold) { return reference_magnitude(x) > threshold ? x : 0; }
static inline double reference_soft_shrink(double x, double threshold) {
    return x > threshold ? x - threshold : x < -threshold ? x + threshold : 0;
}
static inline double reference_sparse_plus(double x) { return x >= 1 ? x : x <= -1 ? 0 : (x + 1) * (x + 1) / 4; }
static inline double reference_squareplus(double x, double scaled, double scale) {
    const double b = scaled / (scale * scale), root = reference_root(x * x + b);
    return x < 0 ? b / (root - x) / 2 : (x + root) / 2;
}
static inline double reference_threshold(double x, double threshold, double value) { return x > threshold ? x : value; }
static inline double reference_elu(double x, double alpha) { return x > 0 ? x : alpha * reference_expm1(x); }
static inline double reference_selu(double x, double scale, double alpha) { return scale * reference_elu(x, alpha); }
static inline double reference_celu(double x, double alpha) { return x > 0 ? x : alpha * reference_expm1(x / alpha); }
static inline double reference_sigmoid(double x) {
    const double t = reference_exponential(-reference_magnitude(x));
    return (x < 0 ? t : 1) / (1 + t);
}
static inline double reference_silu(double x) { return x * reference_sigmoid(x); }
static inline double reference_softplus(double x) {
    return reference_relu(x) + reference_log1p(reference_exponential(-reference_magnitude(x)));
}
static inline double reference_log_sigmoid(double x) { return -reference_softplus(-x); }
static inline double reference_mish(double x) { return x * reference_tanh(reference_softplus(x)); }
static inline double reference_tanh_shrink(double x) { return x - reference_tanh(x); }
static inline double reference_gelu(double x) { return x * (1 + reference_erf(x * 0.70710678118654752440)) / 2; }
static inline double reference_gelu_tanh(double x) {
    return x * (1 + reference_tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))) / 2;
}

#endif
