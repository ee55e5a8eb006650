#include "mask.h"

#include <string.h>

void tl_mask(uint8_t *target, const uint8_t *source, size_t size, const uint8_t key[4], size_t offset)
{
    uint8_t turned[8];
    uint64_t wide, word;
    size_t i = 0;

    for (int k = 0; k < 8; k++)
        turned[k] = key[(offset + k) & 3];
    memcpy(&wide, turned, sizeof wide);
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, source + i, sizeof word);
        word ^= wide;
        memcpy(target + i, &word, sizeof word);
    }
    for (; i < size; i++)
        target[i] = source[i] ^ turned[i & 7];
}
