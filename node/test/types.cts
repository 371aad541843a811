// The same package through `require`, for the type checker only.

import madrigal = require("madrigal");

export const result: Promise<madrigal.SDKResultMessage | undefined> = madrigal.Session.open().then(
  (session) => session.send("hi").result(),
);
