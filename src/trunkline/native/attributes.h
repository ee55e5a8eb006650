/* The dict of what users set on an object: it takes nothing until something is set.
 *
 * CPython 3.11 specialises calls of an object's methods only where its dict is there. So an object
 * whose methods are called gets one on loan, which is empty, the same for all, and never written to:
 * who would write to it, or could see it, finds a dict of the object's own in its place. */
#ifndef TRUNKLINE_ATTRIBUTES_H
#define TRUNKLINE_ATTRIBUTES_H

#include <Python.h>

/* Cython makes a dict for each object. */
static inline void tl_drop_dict(PyObject *owner)
{
    PyObject **place = _PyObject_GetDictPtr(owner);

    if (place != NULL)
        Py_CLEAR(*place);
}

#if PY_VERSION_HEX < 0x030C0000

static PyObject *tl_lent; /* NULL where nothing is lent */

static inline void tl_lend_dict(PyObject *owner)
{
    PyObject **place = _PyObject_GetDictPtr(owner);

    if (*place == NULL)
        *place = Py_NewRef(tl_lent);
}

/* Give the object's own dict, borrowed; NULL: no memory. */
static inline PyObject *tl_own_dict(PyObject *owner)
{
    PyObject **place = _PyObject_GetDictPtr(owner);

    if (*place == tl_lent)
        Py_CLEAR(*place);
    /* Not left to who sets: what runs until then may borrow again. */
    Py_XDECREF(PyObject_GenericGetDict(owner, NULL));
    return *place;
}

static inline PyObject *tl_get_dict(PyObject *owner, void *context)
{
    (void)context;
    return Py_XNewRef(tl_own_dict(owner));
}

static inline int tl_set_attribute(PyObject *owner, PyObject *name, PyObject *value)
{
    if (*_PyObject_GetDictPtr(owner) == tl_lent && tl_own_dict(owner) == NULL)
        return -1;
    return PyObject_GenericSetAttr(owner, name, value);
}

static inline int tl_add_to_type(PyTypeObject *type, const char *name, PyObject *descriptor)
{
    int status = descriptor == NULL ? -1 : PyDict_SetItemString(type->tp_dict, name, descriptor);

    Py_XDECREF(descriptor);
    return status;
}

/* What object has under this name, for the type's own way to set. */
static inline int tl_wrap_setting(PyTypeObject *type, const char *name)
{
    PyObject *model = PyDict_GetItemString(PyBaseObject_Type.tp_dict, name);
    struct wrapperbase *base = ((PyWrapperDescrObject *)model)->d_base;

    return tl_add_to_type(type, name, PyDescr_NewWrapper(type, base, (void *)tl_set_attribute));
}

/* To be called once, before the type has heirs: they inherit its slots. */
static inline int tl_prepare_loans(PyObject *kind)
{
    static PyGetSetDef dict = {"__dict__", tl_get_dict, NULL, NULL, NULL};
    PyTypeObject *type = (PyTypeObject *)kind;

    tl_lent = PyDict_New();
    if (tl_lent == NULL || tl_add_to_type(type, dict.name, PyDescr_NewGetSet(type, &dict)) < 0)
        return -1;
    if (tl_wrap_setting(type, "__setattr__") < 0 || tl_wrap_setting(type, "__delattr__") < 0)
        return -1;
    type->tp_setattro = tl_set_attribute;
    PyType_Modified(type);
    return 0;
}

/* Cython gives each heir a way to its dict, which knows of no loans. */
static inline int tl_inherit_dict(PyObject *heir)
{
    PyTypeObject *type = (PyTypeObject *)heir;

    if (PyDict_DelItemString(type->tp_dict, "__dict__") < 0)
        return -1;
    PyType_Modified(type);
    return 0;
}

#else

static inline void tl_lend_dict(PyObject *owner)
{
    (void)owner;
}

static inline int tl_prepare_loans(PyObject *kind)
{
    (void)kind;
    return 0;
}

static inline int tl_inherit_dict(PyObject *heir)
{
    (void)heir;
    return 0;
}

#endif

#endif
