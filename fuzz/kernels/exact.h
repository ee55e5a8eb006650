/* Memory of the exact size, so that one byte too far is found. */
#ifndef TRUNKLINE_FUZZ_EXACT_H
#define TRUNKLINE_FUZZ_EXACT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Copy `size` bytes to new memory; the caller frees it. */
static inline uint8_t *exact_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    return copy;
}

#endif
