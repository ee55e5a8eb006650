#include "mask.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define WIDTH 16

void tl_mask_neon(uint8_t *target, const uint8_t *source, size_t size, uint32_t key)
{
    const uint8x16_t wide = vreinterpretq_u8_u32(vdupq_n_u32(key));
    uint8x16_t first, second;
    size_t i = 0;

    for (; size - i >= 2 * WIDTH; i += 2 * WIDTH) {
        first = veorq_u8(vld1q_u8(source + i), wide);
        second = veorq_u8(vld1q_u8(source + i + WIDTH), wide);
        vst1q_u8(target + i, first);
        vst1q_u8(target + i + WIDTH, second);
    }
    tl_mask_portable(target + i, source + i, size - i, key);
}
#else
typedef int not_for_this_machine;
#endif
