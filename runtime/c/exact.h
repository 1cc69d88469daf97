/* Functions marked so round each operation once, whatever the compiler's flags: what they compute
 * from weights is bit-identical to what the network compiler computes. */
#ifndef CNNC_EXACT
#if defined(__clang__)
#define CNNC_EXACT
#define CNNC_EXACT_BODY _Pragma("STDC FP_CONTRACT OFF")
#elif defined(__GNUC__)
#define CNNC_EXACT __attribute__((optimize("fp-contract=off,no-fast-math")))
#define CNNC_EXACT_BODY
#else
#define CNNC_EXACT
#define CNNC_EXACT_BODY
#endif
#endif
