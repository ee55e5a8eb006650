/* A backlog: bytes in a row that wait to leave, from the front, while more join at the end. */
#ifndef TRUNKLINE_BACKLOG_H
#define TRUNKLINE_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t start;    /* of what waits, in `bytes` */
    size_t size;     /* of what waits */
    size_t capacity; /* of `bytes` */
    uint8_t *bytes;  /* owned */
} tl_backlog;

/* Give the end of `*backlog`, with room for `size` bytes behind it; make the backlog where it is
 * NULL. Gives NULL, and changes nothing, where memory is short. */
uint8_t *tl_backlog_reserve(tl_backlog **backlog, size_t size);

/* Free `*backlog`, and set it to NULL. */
void tl_backlog_free(tl_backlog **backlog);

#endif
