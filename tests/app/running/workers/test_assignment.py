import os
import socket

from trunkline.app.running.workers.assignment import VARIABLE, Assignment
from trunkline.app.running.workers.message import Lines, Say


def test_it_is_taken_from_the_environment_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket() as listening:
        theirs.set_inheritable(True)
        given = Assignment(2, theirs.fileno(), [listening.fileno()])
        environ = {VARIABLE: str(given)}
        taken = Assignment.taken_from(environ)
        assert taken == given
        assert environ == {}
        assert not theirs.get_inheritable()
        assert Assignment.taken_from(environ) is None


def test_its_sockets_can_be_used() -> None:
    ours, theirs = socket.socketpair()
    with ours, socket.create_server(("127.0.0.1", 0)) as listening:
        name = listening.getsockname()
        assignment = Assignment(1, theirs.detach(), [os.dup(listening.fileno())])
        (taken,) = assignment.sockets()
        with taken, assignment.control_socket() as control:
            assert taken.getsockname() == name
            control.sendall(b"x")
            assert ours.recv(1) == b"x"
        assignment.report("why not")
        assert Lines().feed(ours.recv(1000)) == [{"say": Say.FAILED, "why": "why not"}]
        os.close(assignment.control)
        assignment.report("nobody hears it")
