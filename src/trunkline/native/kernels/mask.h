/* Masking (RFC 6455 §5.3): every byte is XORed with a byte of the key. */
#ifndef TRUNKLINE_MASK_H
#define TRUNKLINE_MASK_H

#include <stddef.h>
#include <stdint.h>

/* Write `size` bytes of `source` to `target`, masked. The two are the same place or do not overlap.
 *
 * `key` holds the four bytes of the key as they stand on the wire; `offset` is how many bytes of
 * the payload came before. */
void tl_mask(uint8_t *target, const uint8_t *source, size_t size, const uint8_t key[4], size_t offset);

#endif
