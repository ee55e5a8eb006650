#include "stopwatch.h"

#include "failure.h"

#include <string.h>

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
