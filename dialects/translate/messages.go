package translate

var messagesCodec = codec{}
