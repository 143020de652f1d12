"""A plain Maelstrom broadcast node in Python: a yardstick for the benchmark.

It is written the way such a node usually is: one JSON object a line, decoded with json.loads,
dispatched on its type, answered with json.dumps and a flushed print. A list keeps the order of
arrival and a set tells what is new.
"""

import json
import sys


class Node:
    def __init__(self):
        self.node_id = None
        self.next_msg_id = 0
        self.messages = []
        self.seen = set()

    def reply(self, request, body):
        body["in_reply_to"] = request["body"]["msg_id"]
        body["msg_id"] = self.next_msg_id
        self.next_msg_id += 1
        print(
            json.dumps({"src": self.node_id, "dest": request["src"], "body": body}),
            flush=True,
        )

    def handle(self, request):
        body = request["body"]
        kind = body["type"]
        if kind == "init":
            self.node_id = body["node_id"]
            self.reply(request, {"type": "init_ok"})
        elif kind == "broadcast":
            message = body["message"]
            if message not in self.seen:
                self.seen.add(message)
                self.messages.append(message)
            self.reply(request, {"type": "broadcast_ok"})
        elif kind == "read":
            self.reply(request, {"type": "read_ok", "messages": self.messages})


def main():
    node = Node()
    for line in sys.stdin:
        node.handle(json.loads(line))


if __name__ == "__main__":
    main()
