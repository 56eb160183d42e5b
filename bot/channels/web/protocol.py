"""The protocol between the chat page and the server.

Everything lies below `/webhooks/webchat`. Bodies are JSON. An HTTP error's body is `{"error": code}`.

    GET  /                      health: {"channel": "webchat", "status": "ok" | "starting" | …}
    GET  /chat                  the page (static/index.html); GET /embed.js the widget; GET /static/<file>
    GET  /config                {"demo": bool, "default_language": "zh"|"en", "max_text": 2000,
                                 "max_photo_bytes": 5242880, "photo_types": ["image/jpeg", …]}
    GET  /pictures/<file>       drawn product pictures
    POST /session               {"lang"?} -> {"token", "session_id", "expires"}   (expires: Unix seconds)
                                With `Authorization: Bearer <token>` the session goes on with a fresh
                                token; without, or with an expired one, a new one begins.
                                403 origin, 429 too_many (header Retry-After)
    POST /photo                 Authorization: Bearer <token>, body = the image file
                                -> {"photo": id}; 401 token, 413 too_large, 415 not_an_image, 429
    GET  /photo/<id>            Authorization: Bearer <token> -> the image, for its owner (fetch it and
                                show the blob)
    GET  /demo/customers        {"customers": [{"id", "name", "about": {"zh","en"}}]}   demo on loopback only, else 404
    POST /demo/token            {"customer": id} -> {"token"} for `sign_in`                     likewise

/chat carries the CSP `default-src 'self'; img-src 'self' https: data:; connect-src 'self' ws(s)://<host>;
object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self' <origins>`; photos are shown as data:.
The page reads the query ?lang=zh|en, ?theme=light|dark, ?embedded=1; addresses in it are relative.

Socket.IO, path `/webhooks/webchat/socket.io`, default namespace. Connect with
`auth: {token, last_seq, lang}` (last_seq: the greatest seq the page shows, 0 at first). A refused
connection gets `connect_error` whose message is `token` (POST /session and try again).

Client to server, each answered by an ack `{"ok": true, …}` or `{"ok": false, "error": code, "retry_after"?}`:

    user_uttered {id, type: "text", text, lang}         typed; id: a UUID of the client's; send it again with
                 {id, type: "payload", key, title, lang}      the same id after a reconnect if no ack came:
                 {id, type: "photo", photo, text?, lang}      it is taken once. lang: the page's switch
                 {id, type: "location", latitude, longitude, lang}       ack: {ok, id, seq}
    sign_in      {token}      the shop's token; ack {ok, name}
    sign_out     {}           ends the conversation too: as start_over, but nobody is signed in
    start_over   {lang}       a new conversation for the same shopper; the old one is kept by the shop
    erase        {}           deletes the conversation, photos and sign-in for good, then a new one
    history      {after}      ack {ok, entries}: those with a greater seq

    sign_out, start_over and erase answer {ok}; every tab of the conversation then gets `session`.

Server to client:

    ready        {session_id, seq, entries, name}     once after connecting: what came after last_seq (name:
                                                      the customer's, null for a visitor). If seq < last_seq
                                                      the history was lost: clear and show entries
    bot_uttered  entry                                the bot spoke
    user_uttered entry                                the shopper wrote in another tab
    typing       {on}
    identity     {name}                               somebody signed in in another tab
    session      {token, session_id, expires}         go on with this one: clear, disconnect, connect again
    error        {error, retry_after?}                concerns no single event; `token`: the token expired

An entry has `seq` (rising by one, unique in the session), `at` (Unix seconds), `from` ("bot"|"user"), `id`
and either `items` (bot) or `text`, `type`, of a tap `key` and of a photo `photo` (user). A tap uses up all
buttons of a `choices`, but only that one of a card. The last 50 are kept. Show entries by seq and ignore a seq shown before.

    items:  {"type": "text", "text"}
            {"type": "choices", "text": string|null, "options": [option]}
            {"type": "image", "url", "alt"}
            {"type": "cards", "cards": [{"title", "subtitle", "price", "image"|null, "alt", "url"|null,
                                         "options": [option]}]}
            {"type": "custom", "data": {…}}            types the page does not know are ignored
    option: {"title", "key"}  sends `payload` with that key, once  |  {"title", "url"}  opens a page

Error codes: token, bad_request, too_fast, too_many, too_long, empty, unavailable, token_invalid,
token_expired, token_used (the shop's token), signed_in (as somebody else: sign out first), origin, too_large,
not_an_image. `too_fast` comes with `bot_uttered` "one moment"; send again after retry_after.
All text is plain text: put it on the page as textContent only.
"""
