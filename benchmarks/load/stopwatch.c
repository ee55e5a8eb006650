#include "stopwatch.h"

#include "failure.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 64 };

uint64_t processor_ns(pid_t process)
{
    clockid_t clock;
    struct timespec time;
    int error = clock_getcpuclockid(process, &clock);
    if (error != 0)
        fail("no processor time of process %d: %s", process, strerror(error));
    if (clock_gettime(clock, &time) != 0)
        fail_errno("clock_gettime");
    return (uint64_t)time.tv_sec * NANOSECONDS_PER_SECOND + (uint64_t)time.tv_nsec;
}

uint64_t waited_ns(pid_t process)
{
    char path[PATH_BYTES];
    unsigned long waited = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", process);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0; /* a kernel that does not count it */
    if (fscanf(file, "%*u %lu", &waited) != 1)
        waited = 0;
    fclose(file);
    return waited;
}
