#include "mask.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDTH 32

__attribute__((target("avx2"))) void tl_mask_avx2(
    uint8_t *target, const uint8_t *source, size_t size, uint32_t key)
{
    const __m256i wide = _mm256_set1_epi32((int)key);
    __m256i first, second;
    size_t i = 0;

    for (; size - i >= 2 * WIDTH; i += 2 * WIDTH) {
        first = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(source + i)), wide);
        second = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(source + i + WIDTH)), wide);
        _mm256_storeu_si256((__m256i *)(target + i), first);
        _mm256_storeu_si256((__m256i *)(target + i + WIDTH), second);
    }
    tl_mask_portable(target + i, source + i, size - i, key);
}
#else
typedef int not_for_this_machine;
#endif
