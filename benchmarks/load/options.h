/* What is asked of the load, from the command line. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct Options {
    const char *scenario; /* echo, fanout, idle, churn */
    const char *host;     /* dotted quad */
    const char *host_header;
    const char *authority; /* file of the certificate authority: TLS, NULL for none */
    uint16_t port;
    unsigned connections;
    unsigned depth; /* messages under way: for each connection, or of the publisher */
    size_t bytes;   /* of a message */
    double seconds; /* to measure */
    double warm_up; /* seconds of load before that */
    pid_t server;   /* whose processor time is taken, 0 for nobody's */
    bool is_text;
    bool is_compressed;
    bool is_patient; /* sleeps until something arrives: for several loads on one core */
    bool is_held;    /* when all connections are open, says so and waits for a line */
};

/* Parse `load SCENARIO --port N ...`; a mistake ends the process. */
struct Options options_parse(int count, char **arguments);

#endif
