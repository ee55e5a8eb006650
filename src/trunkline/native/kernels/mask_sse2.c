#include "mask.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDTH 16

__attribute__((target("sse2"))) void tl_mask_sse2(
    uint8_t *target, const uint8_t *source, size_t size, uint32_t key)
{
    const __m128i wide = _mm_set1_epi32((int)key);
    __m128i first, second;
    size_t i = 0;

    for (; size - i >= 2 * WIDTH; i += 2 * WIDTH) {
        first = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(source + i)), wide);
        second = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(source + i + WIDTH)), wide);
        _mm_storeu_si128((__m128i *)(target + i), first);
        _mm_storeu_si128((__m128i *)(target + i + WIDTH), second);
    }
    tl_mask_portable(target + i, source + i, size - i, key);
}
#else
typedef int not_for_this_machine;
#endif
