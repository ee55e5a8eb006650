/* Included before everything else in each module (CMakeLists.txt).
 *
 * Where an exception is caught, Cython lets go of its traceback without asking whether there is
 * one. There is none where memory ran out while it was made, and that must not crash. */
#ifndef TRUNKLINE_TRACEBACKS_H
#define TRUNKLINE_TRACEBACKS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#undef Py_DECREF
#define Py_DECREF(op) Py_XDECREF(op)

#endif
