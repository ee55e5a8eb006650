#include "mask.h"

#include <string.h>

/* Below this, choosing takes longer than it saves. */
#define SMALL 128

static inline uint8_t key_byte(uint32_t key, size_t index)
{
    uint8_t bytes[4];

    memcpy(bytes, &key, sizeof bytes);
    return bytes[index & 3];
}

static inline void mask_words(uint8_t *target, const uint8_t *source, size_t size, uint32_t key)
{
    uint64_t wide = (uint64_t)key << 32 | key, word, next;
    uint32_t half;
    size_t i = 0;

    for (; size - i >= 16; i += 16) {
        memcpy(&word, source + i, sizeof word);
        memcpy(&next, source + i + 8, sizeof next);
        word ^= wide;
        next ^= wide;
        memcpy(target + i, &word, sizeof word);
        memcpy(target + i + 8, &next, sizeof next);
    }
    if (size - i >= 8) {
        memcpy(&word, source + i, sizeof word);
        word ^= wide;
        memcpy(target + i, &word, sizeof word);
        i += 8;
    }
    if (size - i >= 4) {
        memcpy(&half, source + i, sizeof half);
        half ^= key;
        memcpy(target + i, &half, sizeof half);
        i += 4;
    }
    for (; i < size; i++)
        target[i] = source[i] ^ key_byte(key, i);
}

void tl_mask_portable(uint8_t *target, const uint8_t *source, size_t size, uint32_t key)
{
    mask_words(target, source, size, key);
}

void tl_mask(uint8_t *target, const uint8_t *source, size_t size, const uint8_t key[4], size_t offset)
{
    uint8_t twice[8];
    uint32_t turned;

    memcpy(twice, key, 4);
    memcpy(twice + 4, key, 4);
    memcpy(&turned, twice + (offset & 3), sizeof turned);
    if (turned == 0) {
        if (target != source)
            memcpy(target, source, size);
    } else if (size < SMALL) {
        mask_words(target, source, size, turned);
    } else {
        tl_mask_large(target, source, size, turned);
    }
}
