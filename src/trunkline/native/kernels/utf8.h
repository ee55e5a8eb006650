/* UTF-8, checked as it arrives (RFC 6455 §8.1, RFC 3629 §4). */
#ifndef TRUNKLINE_UTF8_H
#define TRUNKLINE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* What may follow; all zeroes at the start, and again between two code points. */
typedef struct {
    uint8_t missing;   /* bytes that the code point under way still needs */
    uint8_t low, high; /* the first and the last value of the next of them */
} tl_utf8;

/* Check the next part of a text; give 0 at the first byte that cannot be right. */
int tl_utf8_feed(tl_utf8 *text, const uint8_t *part, size_t size);

#endif
