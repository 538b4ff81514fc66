"""A device as a process: a file with the extension. Each line it reads is JSON, a statement and its parameters; each
line it writes tells the rows, or the error."""

import json
import os
import sqlite3
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bindings"))

from loaded import connect  # noqa: E402


def main():
    db = connect(sys.argv[1])
    for line in sys.stdin:
        sql, *parameters = json.loads(line)
        try:
            answer = {"rows": db.execute(sql, parameters).fetchall()}
        except sqlite3.Error as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)
    db.close()


if __name__ == "__main__":
    main()
