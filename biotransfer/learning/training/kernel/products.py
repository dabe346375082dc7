"""Matrix products with strides, by a library that numba does not know."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

from ....edges import publish_products
from .compiling import in_ir

_SYMBOLS = {"float32": "biotransfer_sgemm", "float64": "biotransfer_dgemm"}
PRODUCTS_OF = publish_products({"sgemm": _SYMBOLS["float32"], "dgemm": _SYMBOLS["float64"]})
"""Whose matrix products these are: "torch" or "scipy"."""


@in_ir
def product(typing, turns, sizes, strides, a, b, out, adds):
    """Fill in ``out`` with the product of two row-major matrices, or add it.

    ``sizes`` are m, n and k; ``strides`` from row to row of a, b and out as they lie; a matrix that is to be
    turned lies transposed.
    """

    def generate(context, builder, signature, values):
        integer, letter = ir.IntType(32), ir.IntType(8)
        number = context.get_value_type(out.dtype)
        arrays = [
            context.make_array(kind)(context, builder, value).data
            for kind, value in zip(signature.args[3:6], values[3:6], strict=True)
        ]
        whole = [
            builder.trunc(part, integer) for n in (1, 2) for part in cgutils.unpack_tuple(builder, values[n])
        ]
        m, n, k, row_a, row_b, row_out = (cgutils.alloca_once_value(builder, part) for part in whole)
        letters = [
            cgutils.alloca_once_value(builder, builder.select(turn, letter(ord("T")), letter(ord("N"))))
            for turn in cgutils.unpack_tuple(builder, values[0])
        ]
        one = cgutils.alloca_once_value(builder, number(1.0))
        more = builder.select(values[6], number(1.0), number(0.0))
        add = cgutils.alloca_once_value(builder, more)
        # In the columns of Fortran the same memory holds the transposes: b turned times a turned.
        given = [
            letters[1],
            letters[0],
            n,
            m,
            k,
            one,
            arrays[1],
            row_b,
            arrays[0],
            row_a,
            add,
            arrays[2],
            row_out,
        ]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        function = cgutils.get_or_insert_function(builder.module, kind, _SYMBOLS[str(out.dtype)])
        builder.call(function, given)
        return context.get_dummy_value()

    pair, triple = types.UniTuple(types.boolean, 2), types.UniTuple(types.intp, 3)
    return types.void(pair, triple, triple, a, b, out, types.boolean), generate
