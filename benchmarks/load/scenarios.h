/* The scenarios, one file each. */
#ifndef LOAD_SCENARIOS_H
#define LOAD_SCENARIOS_H

#include "options.h"

/* Every connection keeps `depth` messages under way. */
void echo(const struct Options *options);

/* One publisher keeps `depth` messages under way to all subscribers. */
void fanout(const struct Options *options);

/* Connections connect, echo one message, close, and begin again. */
void churn(const struct Options *options);

/* Connections open, echo one message and then stay; lines of standard input say how many. */
void idle(const struct Options *options);

#endif
