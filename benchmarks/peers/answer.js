// What every Node peer makes of a chat: the envelope that the room gets.
export function answer(chat) {
  return {
    status: "success",
    code: "chat_response",
    user_id: chat.user_id,
    room_id: chat.room_id,
    timestamp: new Date().toISOString(),
    data: chat.data,
  };
}
