// Stands between the program and the stand-in for the API, which keeps no credentials, and remembers which ones passed.

import { once } from "node:events";
import { createServer, request } from "node:http";

/** Listens; `credentials` are the headers that passed, each once. */
export async function wiretap(url) {
  const seen = new Set();
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url: path } = incoming;
    for (const name of ["authorization", "x-api-key"])
      if (headers[name]) seen.add(`${name}: ${headers[name]}`);
    const passed = request(new URL(path, url), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    // Whoever is gone needs no answer.
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    get credentials() {
      return [...seen];
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
