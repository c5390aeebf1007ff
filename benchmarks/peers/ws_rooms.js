// ws with the broadcast of its documentation, over the members of a room: node ws_rooms.js PORT
import WebSocket, { WebSocketServer } from "ws";
import { answer } from "./answer.js";

const rooms = new Map();
const wss = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });

wss.on("connection", (ws, request) => {
  const members = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, members.add(ws));
  ws.on("error", console.error);
  ws.on("close", () => members.delete(ws));
  ws.on("message", (data) => {
    const told = JSON.stringify(answer(JSON.parse(data)));
    for (const client of members) {
      if (client.readyState === WebSocket.OPEN) {
        client.send(told);
      }
    }
  });
  ws.send('{"code":"joined"}');
});

wss.on("listening", () => console.log("listening"));
