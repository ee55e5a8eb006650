/* The opening handshake of a client, RFC 6455 section 4.1. */
#ifndef LOAD_OPENING_H
#define LOAD_OPENING_H

#include "options.h"

#include <stddef.h>
#include <stdint.h>

/* Write the request for a path; return its length. */
size_t opening_request(uint8_t *out, size_t room, const char *path, const struct Options *options);

/* Return the length of a whole answer, checked, or 0 when more bytes are needed; `*keeps_context`
 * becomes whether the server compresses with context takeover, although it was asked not to. */
size_t opening_check(const uint8_t *answer, size_t length, const struct Options *options,
                     bool *keeps_context);

#endif
