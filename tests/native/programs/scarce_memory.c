/* Preloaded: lets the n-th call of malloc, calloc or realloc fail, and some behind it.
 *
 * `scarce_after` calls succeed yet, then `scarce_for` calls fail. Python sets both, without a call,
 * so that it can do so while there is no memory. The functions under these are glibc's. */
#include <errno.h>
#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

long scarce_after = -1; /* negative: memory is plentiful */
long scarce_for = 0;
long scarce_failed = 0;

static int is_refused(void)
{
    if (scarce_after < 0)
        return 0;
    if (scarce_after > 0) {
        scarce_after--;
        return 0;
    }
    if (scarce_for <= 0)
        return 0;
    scarce_for--;
    scarce_failed++;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return is_refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return is_refused() ? NULL : __libc_realloc(old, size);
}
