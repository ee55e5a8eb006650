/* The opening handshake, RFC 6455 section 4.2. */
#ifndef LIMIT_OPENING_H
#define LIMIT_OPENING_H

#include "connection.h"

#include <stddef.h>
#include <stdint.h>

enum { OPENING_ANSWER_MAX_BYTES = 256 };

/* Return the part that the path of a request asks for: /pub, /sub, or anything else to echo. */
enum Part opening_part(const char *request);

/* Write the answer to a whole request, which ends with a NUL; return its length, 0 if refused. */
size_t opening_answer(const char *request, char answer[OPENING_ANSWER_MAX_BYTES]);

#endif
