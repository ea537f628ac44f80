"""The commands on models: derive, graph, export, verify, and all of them for the demo."""

from __future__ import annotations

import argparse

from symbptt.commands.ends import FOUND_WRONG, OK, Progress, deliver


def demo(args: argparse.Namespace) -> int:
    from symbptt.demo import demo

    return demo(args.output)


def models(args: argparse.Namespace) -> int:
    from symbptt.model import builtin_names, load

    names = builtin_names()
    width = max(map(len, names))
    for name in names:
        print(f"{name:<{width}}  {load(name).title}")
    return OK


def derive(args: argparse.Namespace) -> int:
    from symbptt import api
    from symbptt.model import bind
    from symbptt.render import format_for

    format = format_for(args.format, args.output)
    model = bind(api.load(args.model), dict(args.let), only_given=True)
    d = api.derive(model, args.T, inputs=args.inputs, truncate=args.truncate, mode=args.mode)
    return deliver(api.render(d, format, args.notation, args.layout), args.output)


def graph(args: argparse.Namespace) -> int:
    from symbptt import api
    from symbptt.render.drawing import drawing_format, drawn

    format = drawing_format(args.format, args.output)
    return deliver(drawn(api.load(args.model), args.T or 3, format), args.output)


def export(args: argparse.Namespace) -> int:
    from symbptt import api
    from symbptt.errors import RequestError

    if args.explain:
        if args.truncate or args.products or args.checkpoints or args.mode != "reverse":
            raise RequestError(
                "--explain is about the whole of reverse mode; leave out --truncate, --mode, "
                "--products and --checkpoints"
            )
        return deliver(api.explain(args.model, functions=dict(args.let)), args.output)
    source = api.export(
        args.model,
        args.output,
        args.backend,
        functions=dict(args.let),
        truncate=args.truncate,
        mode=args.mode,
        products=args.products,
        checkpoints=args.checkpoints,
    )
    if args.output is None:
        print(source, end="")
    return OK


def verify(args: argparse.Namespace) -> int:
    import json

    from symbptt import api
    from symbptt.errors import RequestError, did_you_mean
    from symbptt.templating import fill

    if args.format not in ("text", "json"):
        raise RequestError(
            f"no format '{args.format}'{did_you_mean(args.format, ['text', 'json'])}"
        )
    with Progress() as tell:
        report = api.verify(
            args.model,
            T=args.T,
            functions=dict(args.let),
            truncate=args.truncate,
            seed=args.seed,
            witnesses=args.witnesses,
            mode=args.mode,
            progress=tell,
        )
    if args.format == "json":
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        print(fill("verify.txt.j2", {"r": report}), end="")
    return OK if report.passed else FOUND_WRONG
