"""How the methods of an interface (a Protocol) become bytes: built from its type hints, so nothing is written twice."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import msgspec

from tradingboost.core.errors import BrokenInvariant, InvalidInput, TradingBoostError, rebuild
from tradingboost.kit.logging import redact
from tradingboost.shared.calls import Call, call_of

_encoder = msgspec.msgpack.Encoder(decimal_format="string", uuid_format="canonical", enc_hook=str)
_OK, _ERROR = b"\x00", b"\x01"


class _Error(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    code: str
    message: str
    details: dict[str, Any]


_errors = msgspec.msgpack.Decoder(_Error)


class Method:
    """One method: its promise and its two codecs."""

    def __init__(self, interface: str, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.path = f"/tradingboost.{interface}/{name}"
        self.call: Call = call_of(function)
        if not inspect.iscoroutinefunction(function):
            raise BrokenInvariant("method_not_async", f"{interface}.{name} must be async to be called from afar.")
        hints = get_type_hints(function)
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[1:]
        missing = [p.name for p in parameters if p.name not in hints] + ([] if "return" in hints else ["return"])
        if missing:
            raise BrokenInvariant("method_untyped", f"{interface}.{name} needs type hints for: {', '.join(missing)}.")
        self._signature = signature.replace(parameters=parameters)
        fields = [
            (p.name, hints[p.name]) if p.default is p.empty else (p.name, hints[p.name], p.default) for p in parameters
        ]
        arguments = msgspec.defstruct(f"{interface}_{name}", fields, kw_only=True, forbid_unknown_fields=True)
        try:
            self._arguments: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(arguments)
            self._reply: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(hints["return"])
        except TypeError as error:
            message = f"{interface}.{name} has a type that cannot travel: {error}."
            raise BrokenInvariant("method_untravelled", message) from error

    def pack(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
        """The arguments of a call; TypeError as for a local call when they do not fit."""
        return _encoder.encode(self._signature.bind(*args, **kwargs).arguments)

    def unpack(self, data: bytes) -> dict[str, Any]:
        """The arguments on the callee's side.

        Raises:
            InvalidInput: they do not fit the types of the interface.
        """
        try:
            arguments = self._arguments.decode(data)
        except msgspec.MsgspecError as error:
            message = f"The arguments of {self.path} do not fit its types: {error}."
            raise InvalidInput("arguments_malformed", message) from error
        return {name: getattr(arguments, name) for name in arguments.__struct_fields__}

    def reply(self, value: object) -> bytes:
        return _OK + _encoder.encode(value)

    def result(self, data: bytes) -> Any:
        """The returned value, or the raised error."""
        if data[:1] == _ERROR:
            error = _errors.decode(data[1:])
            raise rebuild(error.kind, error.code, error.message, error.details)
        try:
            return self._reply.decode(data[1:])
        except msgspec.MsgspecError as error:
            message = f"The reply of {self.path} does not fit its type: {error}; run one version everywhere."
            raise BrokenInvariant("reply_malformed", message) from error


def refusal(error: TradingBoostError) -> bytes:
    """An error as a reply; the other process may not know our secrets, so they are hidden here."""
    details = {name: redact(each) if isinstance(each, str) else each for name, each in error.details.items()}
    return _ERROR + _encoder.encode(_Error(error.kind, error.code, redact(error.message), details))


def methods_of(interface: Callable[..., Any]) -> dict[str, Method]:
    """The public methods of a Protocol."""
    found = inspect.getmembers(interface, inspect.isfunction)
    name = interface.__name__
    return {method: Method(name, method, function) for method, function in found if not method.startswith("_")}
