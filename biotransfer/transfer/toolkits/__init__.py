"""Where the methods of ADAPT, TLlib, the Domain Adaptation Toolbox and the field's history are found here."""

from .table import METHODS_OF_TOOLKITS, Method, elsewhere

__all__ = ["METHODS_OF_TOOLKITS", "Method", "elsewhere"]
