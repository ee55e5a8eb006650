from trunkline.errors import InvalidHandshake, ProxyError
from trunkline.protocol.http1 import Response
from trunkline.protocol.refusals import InvalidProxyStatus, InvalidStatus


def test_another_status_than_101_is_told_with_the_server_s_words() -> None:
    response = Response(503, "Service Unavailable", body=b"come back at noon\r\nor later")
    error = InvalidStatus(response)
    assert str(error) == "the server answered 503 Service Unavailable: come back at noon"
    assert error.response is response
    assert isinstance(error, InvalidHandshake)


def test_a_refused_tunnel_is_told_with_the_proxy_s_words() -> None:
    response = Response(407, "Proxy Authentication Required")
    error = InvalidProxyStatus(response)
    assert str(error) == "the proxy answered 407 Proxy Authentication Required"
    assert error.response is response
    assert isinstance(error, ProxyError)
