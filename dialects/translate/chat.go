package translate

var chatCodec = codec{}
