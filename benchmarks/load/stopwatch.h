/* Clocks: the wall's, and the processor time of the server. */
#ifndef LOAD_STOPWATCH_H
#define LOAD_STOPWATCH_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { NANOSECONDS_PER_SECOND = 1000 * 1000 * 1000 };

/* Nanoseconds of a clock that only goes forward. */
static inline uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * NANOSECONDS_PER_SECOND + (uint64_t)time.tv_nsec;
}

/* Nanoseconds of processor time of all threads of a process so far, user and kernel. */
uint64_t processor_ns(pid_t process);

/* Nanoseconds in which the first thread of a process could have run, and somebody else did. */
uint64_t waited_ns(pid_t process);

#endif
