/* Masking, RFC 6455 section 5.3: its own inverse. The compiler turns the loop into vectors. */
#ifndef WIRE_MASK_H
#define WIRE_MASK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copy `length` bytes from `from` to `to`, masked; both may be the same, but must not overlap. */
static inline void mask_copy(uint8_t *to, const uint8_t *from, size_t length, uint32_t key)
{
    const uint64_t wide = (uint64_t)key << 32 | key;
    const uint8_t *key_bytes = (const uint8_t *)&key;
    size_t i = 0;
    for (; i + sizeof wide <= length; i += sizeof wide) {
        uint64_t word;
        memcpy(&word, from + i, sizeof word);
        word ^= wide;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < length; i++)
        to[i] = from[i] ^ key_bytes[i % sizeof key];
}

#endif
