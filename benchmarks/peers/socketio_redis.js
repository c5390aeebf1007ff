// socket.io with its Redis adapter, as its documentation shows it: node socketio_redis.js PORT
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { answer } from "./answer.js";

// Unless told not to, node-redis 6 fails a command after 5 seconds, and a failed publish ends the process.
const pubClient = createClient({ url: process.env.REDIS_URL, commandOptions: { timeout: undefined } });
const subClient = pubClient.duplicate();
await Promise.all([pubClient.connect(), subClient.connect()]);

const server = createServer();
const io = new Server(server, { adapter: createAdapter(pubClient, subClient) });

io.on("connection", (socket) => {
  socket.on("join", (envelope) => {
    socket.join(envelope.room_id);
    socket.emit("joined", { room_id: envelope.room_id });
  });
  socket.on("chat", (envelope) => {
    io.to(envelope.room_id).emit("chat_response", answer(envelope));
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
