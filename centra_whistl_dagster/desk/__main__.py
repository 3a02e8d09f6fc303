"""The desk as `centra-whistl dev` and the demo start it: on loopback, without reading `.env`."""

from __future__ import annotations

import argparse
import os

from centra_whistl_dagster.desk.serving import LOOPBACK, serve

parser = argparse.ArgumentParser("desk")
parser.add_argument("--port", type=int, required=True)
serve(os.environ, host=LOOPBACK, port=parser.parse_args().port)
