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

/* One way to do it; `key` is turned to where the part begins, in the order of memory. */
typedef void tl_mask_kernel(uint8_t *target, const uint8_t *source, size_t size, uint32_t key);

tl_mask_kernel tl_mask_portable; /* mask.c */
#if defined(__x86_64__)
tl_mask_kernel tl_mask_sse2;   /* mask_sse2.c */
tl_mask_kernel tl_mask_avx2;   /* mask_avx2.c */
tl_mask_kernel tl_mask_avx512; /* mask_avx512.c */
#elif defined(__aarch64__)
tl_mask_kernel tl_mask_neon; /* mask_neon.c */
#endif

/* What cpu.c has chosen for this machine, and its name. Set once, when the module is loaded. */
extern tl_mask_kernel *tl_mask_large;
extern const char *tl_mask_name;

#endif
