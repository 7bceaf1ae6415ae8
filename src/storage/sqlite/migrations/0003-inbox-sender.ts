/** Who fills a device's inbox is counted at each row that comes in. */
export const inboxSender = 'CREATE INDEX inbox_recipient_sender ON inbox (recipient, sender, type, origin);';
