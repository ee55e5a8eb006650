#include "backlog.h"

#include <stdlib.h>
#include <string.h>

/* Bytes: a few small frames fit, and the allocator has it ready. */
#define SMALLEST 512
/* Bytes: half of what an address can name, so that no sum of two sizes wraps. */
#define LARGEST (SIZE_MAX / 4)

static tl_backlog *make(void)
{
    return calloc(1, sizeof(tl_backlog));
}

static void move_to_front(tl_backlog *backlog)
{
    if (backlog->start == 0)
        return;
    memmove(backlog->bytes, backlog->bytes + backlog->start, backlog->size);
    backlog->start = 0;
}

static int grow(tl_backlog *backlog, size_t needed)
{
    size_t capacity = backlog->capacity * 2;
    uint8_t *grown;

    if (capacity < needed)
        capacity = needed;
    if (capacity < SMALLEST)
        capacity = SMALLEST;
    grown = realloc(backlog->bytes, capacity);
    if (grown == NULL)
        return 0;
    backlog->bytes = grown;
    backlog->capacity = capacity;
    return 1;
}

uint8_t *tl_backlog_reserve(tl_backlog **place, size_t size)
{
    tl_backlog *backlog = *place;

    if (size > LARGEST)
        return NULL;
    if (backlog == NULL) {
        backlog = make();
        if (backlog == NULL)
            return NULL;
    }
    if (size > backlog->capacity - backlog->start - backlog->size) {
        move_to_front(backlog);
        if (size > backlog->capacity - backlog->size
            && (backlog->size > LARGEST || !grow(backlog, backlog->size + size))) {
            if (*place == NULL)
                free(backlog);
            return NULL;
        }
    }
    *place = backlog;
    return backlog->bytes + backlog->start + backlog->size;
}

void tl_backlog_free(tl_backlog **place)
{
    if (*place == NULL)
        return;
    free((*place)->bytes);
    free(*place);
    *place = NULL;
}
