#include "mask.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDTH 64

__attribute__((target("avx512f"))) void tl_mask_avx512(
    uint8_t *target, const uint8_t *source, size_t size, uint32_t key)
{
    const __m512i wide = _mm512_set1_epi32((int)key);
    __m512i first, second;
    size_t i = 0;

    for (; size - i >= 2 * WIDTH; i += 2 * WIDTH) {
        first = _mm512_xor_si512(_mm512_loadu_si512((const void *)(source + i)), wide);
        second = _mm512_xor_si512(_mm512_loadu_si512((const void *)(source + i + WIDTH)), wide);
        _mm512_storeu_si512((void *)(target + i), first);
        _mm512_storeu_si512((void *)(target + i + WIDTH), second);
    }
    tl_mask_portable(target + i, source + i, size - i, key);
}
#else
typedef int not_for_this_machine;
#endif
