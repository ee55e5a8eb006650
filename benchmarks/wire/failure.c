#include "failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

void fail_errno(const char *what)
{
    fail("%s: %s", what, strerror(errno));
}

void *grown(void *memory, size_t bytes)
{
    void *larger = realloc(memory, bytes);
    if (larger == NULL && bytes > 0)
        fail("no memory for %zu bytes", bytes);
    return larger;
}

void *zeroed(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);
    if (memory == NULL && count > 0 && bytes > 0)
        fail("no memory for %zu x %zu bytes", count, bytes);
    return memory;
}
