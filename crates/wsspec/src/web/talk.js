"use strict";

const byId = (id) => document.getElementById(id);

function log(text) {
  const item = document.createElement("li");
  item.textContent = text;
  byId("log").prepend(item);
  while (byId("log").childElementCount > 200) byId("log").lastElementChild.remove();
}

async function main() {
  const { scheme, port, path } = await fetch("config").then((response) => response.json());
  const address = `${scheme}://${location.hostname}:${port}${path}`;
  const socket = new WebSocket(address);
  socket.onopen = () => { byId("state").textContent = `connected to ${address}`; };
  socket.onclose = (event) => { byId("state").textContent = `closed with ${event.code}`; };
  socket.onmessage = (event) => log(typeof event.data === "string" ? `received ${event.data}` : "received binary");
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    socket.send(byId("text").value);
    log(`sent ${byId("text").value}`);
    byId("text").value = "";
  });
}

main();
