#include "histogram.h"

enum { STEP_BITS = 6, TOP_BIT = 63 };

/* Below HISTOGRAM_STEPS a bucket is one nanosecond; above, the top STEP_BITS + 1 bits choose it. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return (unsigned)ns;
    unsigned shift = TOP_BIT - (unsigned)__builtin_clzll(ns) - STEP_BITS;
    return shift * HISTOGRAM_STEPS + (unsigned)(ns >> shift);
}

static uint64_t upper_end(unsigned bucket)
{
    if (bucket < 2 * HISTOGRAM_STEPS)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_STEPS - 1;
    uint64_t step = bucket - shift * HISTOGRAM_STEPS;
    return ((step + 1) << shift) - 1;
}

void histogram_add(struct Histogram *histogram, uint64_t ns, uint64_t times)
{
    histogram->buckets[bucket_of(ns)] += times;
    histogram->count += times;
    if (ns > histogram->max)
        histogram->max = ns;
}

uint64_t histogram_quantile(const struct Histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count);
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen > wanted) {
            uint64_t end = upper_end(bucket);
            return end < histogram->max ? end : histogram->max;
        }
    }
    return histogram->max;
}
