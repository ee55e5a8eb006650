#include "options.h"

#include "failure.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOST_HEADER_BYTES = 64 };

static const struct option NAMES[] = {
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"connections", required_argument, NULL, 'c'},
    {"depth", required_argument, NULL, 'd'},
    {"bytes", required_argument, NULL, 'b'},
    {"seconds", required_argument, NULL, 's'},
    {"warm-up", required_argument, NULL, 'w'},
    {"server", required_argument, NULL, 'v'},
    {"tls", required_argument, NULL, 'a'},
    {"text", no_argument, NULL, 't'},
    {"deflate", no_argument, NULL, 'z'},
    {"patient", no_argument, NULL, 'i'},
    {"hold", no_argument, NULL, 'o'},
    {NULL, 0, NULL, 0},
};

static void set(struct Options *options, int name)
{
    switch (name) {
    case 'h': options->host = optarg; break;
    case 'p': options->port = (uint16_t)atoi(optarg); break;
    case 'c': options->connections = (unsigned)atoi(optarg); break;
    case 'd': options->depth = (unsigned)atoi(optarg); break;
    case 'b': options->bytes = strtoul(optarg, NULL, 10); break;
    case 's': options->seconds = atof(optarg); break;
    case 'w': options->warm_up = atof(optarg); break;
    case 'v': options->server = atoi(optarg); break;
    case 'a': options->authority = optarg; break;
    case 't': options->is_text = true; break;
    case 'z': options->is_text = options->is_compressed = true; break;
    case 'i': options->is_patient = true; break;
    case 'o': options->is_held = true; break;
    default: exit(EXIT_FAILURE); /* getopt has said what is wrong */
    }
}

static void check(const struct Options *options)
{
    if (options->scenario == NULL || options->port == 0) {
        fail("usage: load echo|fanout|idle|churn --port N [--host A.B.C.D] [--connections N]\n"
             "    [--depth N] [--bytes N] [--seconds S] [--warm-up S] [--server PID]\n"
             "    [--text] [--deflate] [--tls AUTHORITY.pem] [--patient] [--hold]");
    }
    if (options->connections == 0 || options->depth == 0 || options->bytes == 0)
        fail("connections, depth and bytes are at least 1");
}

struct Options options_parse(int count, char **arguments)
{
    static char host_header[HOST_HEADER_BYTES];
    struct Options options = {.host = "127.0.0.1",
                              .connections = 1,
                              .depth = 1,
                              .bytes = 64,
                              .seconds = 1.0,
                              .warm_up = 0.2};
    int name;
    while ((name = getopt_long(count, arguments, "", NAMES, NULL)) != -1)
        set(&options, name);
    if (optind < count)
        options.scenario = arguments[optind];
    check(&options);
    snprintf(host_header, sizeof host_header, "%s:%d", options.host, options.port);
    options.host_header = host_header;
    return options;
}
