/* A benchmark that cannot trust its figures ends at once, with the reason. */
#ifndef WIRE_FAILURE_H
#define WIRE_FAILURE_H

#include <stddef.h>

/* Print the reason, as printf would, and end the process with status 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with the text of errno behind it. */
_Noreturn void fail_errno(const char *what);

/* realloc that ends the process when there is no memory. */
void *grown(void *memory, size_t bytes);

/* calloc that ends the process when there is no memory. */
void *zeroed(size_t count, size_t bytes);

#endif
