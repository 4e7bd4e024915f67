package translate

var geminiCodec = codec{}
