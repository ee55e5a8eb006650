/* Which kernels this machine runs. */
#include "mask.h"

tl_mask_kernel *tl_mask_large = tl_mask_portable;
const char *tl_mask_name = "portable";

static void use(tl_mask_kernel *kernel, const char *name)
{
    tl_mask_large = kernel;
    tl_mask_name = name;
}

/* Runs when a module is loaded: each has a copy of the kernels. */
__attribute__((constructor)) static void choose(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        use(tl_mask_avx512, "avx512");
    else if (__builtin_cpu_supports("avx2"))
        use(tl_mask_avx2, "avx2");
    else
        use(tl_mask_sse2, "sse2");
#elif defined(__aarch64__)
    use(tl_mask_neon, "neon");
#endif
}
