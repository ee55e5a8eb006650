/* permessage-deflate, RFC 7692 section 7.2: sent without context takeover, received either way. */
#ifndef LOAD_DEFLATE_H
#define LOAD_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

/* What one connection needs to decompress. */
struct Inflater;

/* Return the most bytes that a compressed message of `length` bytes can have. */
size_t deflate_bound(size_t length);

/* Compress a message; `*out` is valid until the next call. Return the compressed length. */
size_t deflate_message(const uint8_t *message, size_t length, const uint8_t **out);

struct Inflater *inflater_make(void);
void inflater_free(struct Inflater *inflater);

/* Forget the messages before, as a server without context takeover has. */
void inflater_reset(struct Inflater *inflater);

/* Decompress a message of at most `room` bytes into `out`; return its length, or fail. */
size_t inflater_message(struct Inflater *inflater, const uint8_t *compressed, size_t length,
                        uint8_t *out, size_t room);

#endif
